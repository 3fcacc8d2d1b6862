// Runs before the first paint; src/app/theme.ts keeps the same storage and attributes up to date afterwards.
(function () {
  var languages = ['en', 'de', 'es', 'id', 'zh', 'ar']
  var chosen = {}
  try {
    chosen = JSON.parse(localStorage.getItem('tertulia.preferences') || '{}').values || {}
  } catch (_) {
    // Storage is blocked: follow the system and the browser.
  }
  var page = document.documentElement
  var theme = chosen.theme || 'system'
  if (theme === 'system') theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  page.dataset.theme = theme
  page.dataset.density = chosen.density || 'standard'
  page.dataset.textSize = chosen.textSize || 'normal'
  var wished = navigator.languages.map(function (tag) {
    return tag.toLowerCase().split('-')[0]
  })
  var known = function (language) {
    return languages.indexOf(language) >= 0
  }
  page.lang = chosen.language || wished.filter(known)[0] || 'en'
  page.dir = page.lang === 'ar' ? 'rtl' : 'ltr'
})()
