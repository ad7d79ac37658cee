// What the pages can do in place. Without it every form works as a plain form.
import htmx from "./htmx.esm.js";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false, // the security policy allows no inline style
  historyEnabled: false,
  historyCacheSize: 0, // what pages hold of patients is kept nowhere in the browser
  selfRequestsOnly: true,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[234]..", swap: true }, // a refusal says what to do: people have to see it
    { code: "5..", swap: false, error: true },
  ],
});

sessionStorage.removeItem("htmx-current-path-for-history"); // htmx notes the page's address when it is loaded
