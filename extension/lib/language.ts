// The page's language, set before any other module of the page reads it: import this first.

document.documentElement.lang = chrome.i18n.getUILanguage();
