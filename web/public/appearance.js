// Runs before the first paint, so that a chosen theme or language never flashes the other one. A file, not an inline script: CSP.
(function () {
  var root = document.documentElement;
  // As web/src/lib/session/base.ts names it.
  var base = document.querySelector('meta[name="base"]').content;
  var settings = {};
  try {
    settings = JSON.parse(localStorage.getItem((base === '/' ? '' : base) + 'runnel:settings') || '{}');
  } catch (error) {
    // Storage is forbidden (private window, policy): the system's theme and language stand.
    void error;
  }
  if (settings.theme === 'light' || settings.theme === 'dark') root.dataset.theme = settings.theme;
  // As web/src/i18n.ts chooses it.
  var spoken = (settings.locale ? [settings.locale] : navigator.languages).filter(function (language) {
    return /^(en|vi)/i.test(language);
  });
  root.lang = (spoken[0] || 'en').slice(0, 2).toLowerCase();
  // What of the first picture in the page itself is right here: the start page, or what stands around each page.
  root.dataset.first = location.pathname === base ? 'start' : 'around';
  if (settings.sidebar === false) root.dataset.alone = '';
})();
