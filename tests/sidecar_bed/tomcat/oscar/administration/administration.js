// What OSCAR's own scripts do there: a group at a time is open, and a link opens in the frame or in the page itself.
document.addEventListener("click", function (event) {
  var toggle = event.target.closest('[data-toggle="collapse"]');
  if (!toggle) return;
  event.preventDefault();
  var body = document.querySelector(toggle.getAttribute("href")), parent = document.querySelector(toggle.dataset.parent || null);
  // Bootstrap 2 looks for others that are open among the parent's groups, and there among their children.
  if (parent) parent.querySelectorAll(":scope > .accordion-group > .in").forEach(function (other) { if (other !== body) other.classList.remove("in"); });
  body.classList.toggle("in");
});
document.querySelectorAll(".accordion-heading").forEach(function (heading) {
  heading.addEventListener("click", function () {
    var selected = heading.classList.contains("selected-heading");
    document.querySelectorAll(".accordion-heading").forEach(function (one) { one.classList.remove("selected-heading"); });
    if (!selected) heading.classList.add("selected-heading");
  });
});
document.querySelectorAll(".xlink").forEach(function (link) {
  link.addEventListener("click", function () {
    var place = document.getElementById("dynamic-content");
    place.classList.add("dynamic-iframe-content");
    place.innerHTML = '<iframe id="myFrame" name="myFrame" title="OSCAR" frameborder="0" src="' + link.getAttribute("rel") + '"></iframe>';
    scrollTo(0, 0);
  });
});
document.querySelectorAll("a.contentLink").forEach(function (link) {
  link.addEventListener("click", function (event) {
    event.preventDefault();
    var place = document.getElementById("dynamic-content");
    place.classList.remove("dynamic-iframe-content");
    fetch(link.href).then(function (answer) { return answer.text(); }).then(function (text) { place.innerHTML = text; });
  });
});
