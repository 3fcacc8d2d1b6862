import type { StorybookConfig } from '@storybook/vue3-vite'

const config: StorybookConfig = {
  framework: {
    name: '@storybook/vue3-vite',
    // The page's own configuration is for the page: its worker, its texts, its budget.
    options: { builder: { viteConfigPath: 'gallery/vite.config.ts' }, docgen: false },
  },
  stories: ['./*.stories.ts'],
  core: { disableTelemetry: true, disableWhatsNewNotifications: true },
}

export default config
