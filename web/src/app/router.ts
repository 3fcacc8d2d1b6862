/**
 * Every place has an address: /w/{workspace}/c/{channel}/m/{message}, and …/t/{message} for a thread. Workspaces go by
 * their slug, which never changes; channels and messages by their id, so that a link survives a rename.
 */
import type { Router } from 'vue-router'
import { createRouter, createWebHistory } from 'vue-router'

import { SORTS } from '@/api/search'
import { useSession } from '@/features/auth/session'
import { allTexts } from '@/locales/i18n'

import { isFirstRun } from './firstRun'

declare module 'vue-router' {
  interface RouteMeta {
    /** `stranger`: only without a session; `anyone`: both; otherwise a session is needed. */
    access?: 'stranger' | 'anyone'
  }
}

/** These get by with the texts of the first screen. */
const BRIEF = ['home', 'workspace', 'dms', 'channel', 'thread']

export function createAppRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/', name: 'home', component: () => import('./views/HomeView.vue') },
      { path: '/login', name: 'login', component: () => import('./views/LoginView.vue'), meta: { access: 'stranger' } },
      { path: '/welcome', name: 'welcome', component: () => import('./views/WelcomeView.vue'), meta: { access: 'anyone' } },
      {
        path: '/register',
        name: 'register',
        component: () => import('./views/RegisterView.vue'),
        meta: { access: 'stranger' },
      },
      {
        path: '/join/:code',
        name: 'join',
        component: () => import('./views/JoinView.vue'),
        props: (route) => ({ code: String(route.params['code']), auto: route.query['auto'] === '1' }),
        meta: { access: 'anyone' },
      },
      {
        path: '/settings/:page?',
        name: 'settings',
        component: () => import('./views/AccountSettingsView.vue'),
        props: (route) => ({ page: String(route.params['page'] ?? '') }),
      },
      { path: '/new', name: 'create-workspace', component: () => import('./views/CreateWorkspaceView.vue') },
      {
        path: '/w/:workspace',
        component: () => import('./views/WorkspaceView.vue'),
        props: true,
        children: [
          { path: '', name: 'workspace', component: () => import('./views/WorkspaceHome.vue') },
          // On a phone the sidebar with nothing but these; beside a sidebar it leads on, as the workspace does.
          { path: 'dms', name: 'dms', component: () => import('./views/WorkspaceHome.vue') },
          {
            path: 'search',
            name: 'search',
            component: () => import('./views/SearchView.vue'),
            props: (route) => ({
              workspace: String(route.params['workspace']),
              q: String(route.query['q'] ?? ''),
              sort: SORTS.find((sort) => sort === route.query['sort']) ?? 'relevance',
            }),
          },
          { path: 'activity', name: 'activity', component: () => import('./views/ActivityView.vue'), props: true },
          { path: 'threads', name: 'threads', component: () => import('./views/ThreadsView.vue'), props: true },
          {
            path: 'saved',
            name: 'saved',
            component: () => import('./views/SavedView.vue'),
            props: (route) => ({
              workspace: String(route.params['workspace']),
              tab: route.query['tab'] === 'reminders' ? 'reminders' : 'messages',
            }),
          },
          {
            path: 'analytics',
            name: 'analytics',
            component: () => import('./views/AnalyticsView.vue'),
            props: (route) => ({ workspace: String(route.params['workspace']), query: route.query }),
          },
          {
            path: 'settings/:page?',
            name: 'administration',
            component: () => import('./views/AdministrationView.vue'),
            props: (route) => ({
              workspace: String(route.params['workspace']),
              page: String(route.params['page'] ?? ''),
              query: route.query,
            }),
          },
          {
            path: 'drafts',
            name: 'drafts',
            component: () => import('./views/DraftsView.vue'),
            props: (route) => ({
              workspace: String(route.params['workspace']),
              tab: route.query['tab'] === 'scheduled' ? 'scheduled' : 'drafts',
            }),
          },
          {
            // Any message of the thread; the thread is beside its channel, which stays as it is.
            path: 'c/:channel/t/:thread',
            name: 'thread',
            component: () => import('./views/ConversationView.vue'),
            props: true,
          },
          {
            path: 'c/:channel/:m(m)?/:message?',
            name: 'channel',
            component: () => import('./views/ConversationView.vue'),
            props: true,
          },
        ],
      },
      { path: '/:rest(.*)*', name: 'lost', component: () => import('./views/LostView.vue'), meta: { access: 'anyone' } },
    ],
  })

  /** Without them nothing is kept back: a text that is missing is looked for when it is shown. */
  const texts = async (name: unknown): Promise<void> => {
    if (!BRIEF.includes(String(name))) await allTexts().catch(() => undefined)
  }
  // They are on their way while the page is.
  router.beforeEach((to) => void texts(to.name))
  router.beforeResolve((to) => texts(to.name))
  router.beforeEach(async (to) => {
    const session = useSession()
    if (session.state === 'unknown') await session.resume()
    const here = session.state === 'authenticated'
    if (session.state === 'unreachable' || to.meta.access === 'anyone') return true
    if (!here && (to.name === 'home' || to.name === 'login') && (await isFirstRun())) return { name: 'welcome' }
    if (to.meta.access === 'stranger') return here ? safeNext(to.query['next']) : true
    return here ? true : { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  })
  return router
}

/** Where to go after log-in: a path of this site and nothing else. */
export function safeNext(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
