// Runs before the first paint, so that a chosen theme or language never flashes the other one. A file, not an inline script: CSP.
(function () {
  try {
    // As web/src/lib/session/base.ts names it.
    var base = document.querySelector('meta[name="base"]').content;
    var settings = JSON.parse(localStorage.getItem((base === '/' ? '' : base) + 'runnel:settings') || '{}');
    if (settings.theme === 'light' || settings.theme === 'dark') document.documentElement.dataset.theme = settings.theme;
    var language = settings.locale || navigator.language || 'en';
    document.documentElement.lang = /^vi\b/i.test(language) ? 'vi' : 'en';
  } catch (error) {
    // Storage is forbidden (private window, policy): the system's theme and English stand.
    void error;
  }
})();
