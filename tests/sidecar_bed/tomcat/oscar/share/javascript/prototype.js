// What prototype.js does to a page: everything has more methods, some in place of the browser's own.
Array.prototype.each = function (work) { for (var i = 0; i < this.length; i++) work(this[i], i); return this; };
Array.prototype.toJSON = function () { return "[" + this.join(", ") + "]"; };
Array.from = function (items) {
  var found = [];
  for (var i = 0; i < ((items && items.length) || 0); i++) found.push(items[i]);
  return found;
};
String.prototype.strip = function () { return this.replace(/^\s+/, ""); };
Function.prototype.bind = function (self) {
  var work = this, first = Array.prototype.slice.call(arguments, 1);
  return function () { return work.apply(self, first.concat(Array.prototype.slice.call(arguments))); };
};
document.getElementsByClassName = function (name) { return Array.from(document.querySelectorAll("." + name)); };
Element.prototype.remove = function () { this.parentNode.removeChild(this); return this; };
Element.prototype.replace = function (text) { this.outerHTML = text; return this; };
Element.prototype.select = function (selector) { return Array.from(this.querySelectorAll(selector)); };
window.$ = function (id) { return typeof id === "string" ? document.getElementById(id) : id; };
