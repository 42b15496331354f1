/* Loaded before require.js on pages with widgets: where the widgets' own files lie, and a MathJax 2 face for them. */
// require.js resolves module names against this folder, the icon fonts come from below it.
window.require = { baseUrl: new URL(".", document.currentScript.src).href };

// The widgets speak MathJax 2; the page has MathJax 3.
window.addEventListener("load", () => {
  const page = (window.MathJax = window.MathJax || {});
  page.Hub = page.Hub || {
    Queue: (command) => {
      const element = Array.isArray(command) ? command[2] : null;
      if (element && page.typesetPromise) page.typesetPromise([element]);
    },
  };
});
