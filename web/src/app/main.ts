import { createPinia } from 'pinia'
import { createApp } from 'vue'

import { allTexts, i18n } from '@/locales/i18n'
import { alsoLoad } from '@/ui/later'

import App from './App.vue'
import { createAppRouter } from './router'
import { startShell } from './shell'
import './style.css'
import { followPreferences } from './theme'

startShell()
// What is not on the first screen has texts that are not.
alsoLoad(() => allTexts().catch(() => undefined))
const app = createApp(App).use(createPinia()).use(i18n)
const texts = followPreferences()
// The session and the first page are on their way while the texts are.
app.use(createAppRouter())
await texts
app.mount('#app')
