import { createPinia } from 'pinia'
import { createApp } from 'vue'

import { i18n } from '@/locales/i18n'

import App from './App.vue'
import { createAppRouter } from './router'
import './style.css'
import { followTheme } from './theme'

followTheme()
createApp(App).use(createPinia()).use(i18n).use(createAppRouter()).mount('#app')
