// Runs before the first paint; src/app/theme.ts keeps the same key and attribute up to date afterwards.
(function () {
  var choice = 'system'
  try {
    choice = localStorage.getItem('tertulia.theme') || 'system'
  } catch (_) {
    // Storage is blocked: follow the system.
  }
  if (choice === 'system') {
    choice = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  }
  document.documentElement.dataset.theme = choice
})()
