/* Small repairs of the page that style sheets cannot make. */
document.addEventListener("DOMContentLoaded", () => {
  // A box that scrolls sideways is reached by keyboard too.
  document.querySelectorAll(".pst-scrollable-table-container, div.cell_output .text_html").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });
  // Names for screen readers that the themes write in English without a catalogue.
  const words = { Main: "全书目录", Page: "本页内容", "Toggle hidden content": "显示或隐藏这一块" };
  document.querySelectorAll("[aria-label]").forEach((element) => {
    element.ariaLabel = words[element.ariaLabel] || element.ariaLabel;
  });
});
