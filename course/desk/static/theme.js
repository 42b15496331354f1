// Light or dark as the hub's own pages: the same choice, kept in the same place. Loaded first, so that nothing flashes.
"use strict";
const root = document.documentElement;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const KEY = "jupyterhub-bs-theme";
const kept = () => {
  const choice = localStorage.getItem(KEY);
  return choice === "dark" || choice === "light" ? choice : null;
};
const draw = () => { root.dataset.theme = kept() || (dark.matches ? "dark" : "light"); };
draw();
dark.addEventListener("change", draw);
document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("theme").addEventListener("click", () => {
    localStorage.setItem(KEY, root.dataset.theme === "dark" ? "light" : "dark");
    draw();
  });
});
