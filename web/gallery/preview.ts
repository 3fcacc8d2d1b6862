import type { Preview } from '@storybook/vue3-vite'
import { setup } from '@storybook/vue3-vite'
import { createMemoryHistory, createRouter } from 'vue-router'

import { declareActions } from '@/ui/actions'

import './gallery.css'
import { AT_FIRST, dress, LOOKS } from './looks'
import StoryFrame from './StoryFrame.vue'

declareActions([{ id: 'gallery.palette', group: 'gallery', keys: ['Mod+KeyK'], where: 'page' }])

// Links of the components lead nowhere.
setup((app) => app.use(createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: StoryFrame }] })))

const preview: Preview = {
  parameters: { layout: 'fullscreen', backgrounds: { disable: true }, controls: { disable: true }, actions: { disable: true } },
  initialGlobals: AT_FIRST,
  globalTypes: Object.fromEntries(
    Object.entries(LOOKS).map(([name, items]) => [name, { toolbar: { title: name, items: [...items], dynamicTitle: true } }]),
  ),
  decorators: [
    (_story, { globals }) => {
      dress(globals as Record<string, string>)
      return { components: { StoryFrame }, template: '<StoryFrame><story /></StoryFrame>' }
    },
  ],
}

export default preview
