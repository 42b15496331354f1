// The desk while it is open: asks before releasing again, finds and sorts students, follows the jobs.
// Without it the page works too; one then reloads to see how far a job is.
"use strict";
const xsrf = document.querySelector("meta[name=xsrf]").content;
const page = location.pathname;
const RETRY = 3000, REFRESH = 60000;

// --- asking first ---------------------------------------------------------------------------------------------------
const dialog = document.getElementById("confirm");
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.dataset.confirm && !form.elements.confirmed) {
    event.preventDefault();
    dialog.querySelector("p").textContent = form.dataset.confirm;
    dialog.onclose = () => {
      if (dialog.returnValue !== "yes") return;
      const yes = document.createElement("input");
      Object.assign(yes, {type: "hidden", name: "confirmed", value: "yes"});
      form.append(yes);
      form.requestSubmit();
    };
    dialog.returnValue = "";
    dialog.showModal();
    return;
  }
  // A second press before the answer would only be told that the first one runs.
  form.querySelector("button").setAttribute("aria-busy", "true");
});

// --- students -------------------------------------------------------------------------------------------------------
const search = document.getElementById("search");
const found = document.getElementById("found");
let order = null;  // [column, descending]

const rows = () => [...document.querySelectorAll("tr[data-find]")];
const find = () => {
  const words = search.value.trim().toLowerCase().split(/\s+/);
  const all = rows();
  for (const row of all) row.hidden = !words.every((word) => row.dataset.find.includes(word));
  const shown = all.filter((row) => !row.hidden).length;
  found.textContent = search.value.trim() ? `${shown} / ${all.length} 人` : "";
};
const value = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
const compare = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  return a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y) ? x - y : a.localeCompare(b, "zh-CN");
};
const sort = () => {
  document.querySelectorAll("thead th").forEach((head, column) => {
    if (order && order[0] === column) head.setAttribute("aria-sort", order[1] ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  if (!order) return;
  const [column, descending] = order;
  const sorted = rows().sort((a, b) => compare(value(a, column), value(b, column)) * (descending ? -1 : 1));
  document.querySelector("tr[data-find]")?.parentElement.append(...sorted);
};
search.addEventListener("input", find);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.sort");
  if (!button) return;
  const column = button.parentElement.cellIndex;
  // Names begin with A, marks with the best.
  order = order && order[0] === column ? [column, !order[1]] : [column, column > 1];
  sort();
});

// --- what is alive --------------------------------------------------------------------------------------------------
const ask = (url, accept) => fetch(url, {headers: {"X-XSRFToken": xsrf, Accept: accept}, cache: "no-store"});

// Not while somebody types into it or reads a question.
const busy = () => dialog.open || document.querySelector("details.due[open]");

const refresh = async () => {
  if (busy()) return;
  const answer = await ask(page, "text/html");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (now && now.innerHTML !== part.innerHTML) part.replaceWith(now);
  }
  find();
  sort();
};

const show = (jobs) => {
  let ended = false;
  for (const [assignment, job] of Object.entries(jobs)) {
    const box = document.querySelector(`[data-job="${CSS.escape(assignment)}"]`);
    if (!box) continue;
    ended ||= job.state !== "running" && (box.dataset.state !== job.state || box.dataset.id !== job.id);
    const bar = box.querySelector("progress"), same = box.dataset.id === job.id && box.dataset.state === job.state;
    box.hidden = false;
    Object.assign(box.dataset, {state: job.state, id: job.id});
    if (same && job.state !== "running") continue;  // its details may be open
    const fresh = new DOMParser().parseFromString(job.html, "text/html").body;
    const to = fresh.querySelector("progress");
    if (bar && to && bar.max === to.max && bar.hasAttribute("value") && to.hasAttribute("value")) {
      bar.value = to.value;  // keeps the bar, which then moves smoothly
      to.replaceWith(bar);
    }
    box.replaceChildren(...fresh.childNodes);
  }
  if (ended) refresh();
};

const connected = (yes) => { document.getElementById("lost").hidden = yes; };

// Server-sent events, read with fetch: the browser's EventSource can't send the token that the hub asks for.
const follow = async () => {
  const answer = await ask(`${page}jobs`, "text/event-stream");
  if (!answer.ok) throw new Error(String(answer.status));
  connected(true);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {value: text, done} = await reader.read();
    if (done) return;
    const events = (rest + text).split("\n\n");
    rest = events.pop();
    for (const event of events) if (event.startsWith("data: ")) show(JSON.parse(event.slice(6)));
  }
};
// Where something on the way holds the stream back, asking now and then does.
const poll = async () => {
  const answer = await ask(`${page}jobs`, "application/json");
  if (!answer.ok) throw new Error(String(answer.status));
  show(await answer.json());
  connected(true);
};
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
const live = async () => {
  for (;;) {
    try {
      await follow();
    } catch {
      try {
        await poll();
      } catch {
        connected(false);
      }
      await pause(RETRY);
    }
  }
};
live();
setInterval(() => { if (!document.hidden) refresh().catch(() => {}); }, REFRESH);
// A notice is for once: not again when the page is loaded anew.
if (location.search) history.replaceState(null, "", page + location.hash);
