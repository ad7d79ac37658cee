(function () {
  var before = window.$;
  window.jQuery = window.$ = function (selector) { return document.querySelectorAll(selector); };
  window.jQuery.noConflict = function () { window.$ = before; return window.jQuery; };
})();
