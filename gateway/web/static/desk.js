/* The pages work without this. It asks for what is new while somebody looks, keeps ticks and reading position, and
   lets hands stay on the keyboard. Nothing a message says is ever made into markup here. */
"use strict";
(() => {
  const PERIOD = 5000;
  const live = () => document.getElementById("live");
  const rows = () => [...document.querySelectorAll("#live tr[data-id]")];
  const row = (id) => rows().find((one) => one.dataset.id === id);
  const tickOf = (one) => one && one.querySelector("input[name=id]");
  const ticked = () => rows().filter((one) => tickOf(one) && tickOf(one).checked).map((one) => one.dataset.id);
  let cursor = "";

  function mark(id, focus) {
    cursor = id;
    rows().forEach((one) => one.classList.toggle("cursor", one.dataset.id === id));
    const link = row(id) && row(id).querySelector("a");
    if (focus && link) link.focus();
  }

  setInterval(() => {
    if (!document.hidden && live() && window.htmx) window.htmx.trigger(document.body, "desk-poll");
  }, PERIOD);

  /* A swap must not take away what is ticked or read: then it is only said that there is something new. */
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!live() || event.detail.target !== live()) return;
    const first = rows().find((one) => one.getBoundingClientRect().bottom > 0);
    const anchor = cursor || (window.scrollY > 0 && first ? first.dataset.id : "");
    const needed = [...ticked(), anchor].filter(Boolean);
    const answer = event.detail.serverResponse;
    if (needed.some((id) => !answer.includes('data-id="' + id + '"'))) {
      event.detail.shouldSwap = false;
      const note = document.querySelector(".newer");
      if (note) note.hidden = false;
      return;
    }
    const all = document.querySelector("input[name=all]");
    const focused = document.activeElement && document.activeElement.closest("tr[data-id]");
    kept = {
      ticked: ticked(), anchor, all: Boolean(all && all.checked), focus: focused ? focused.dataset.id : "",
      field: focused && document.activeElement.name === "id",
      top: anchor && row(anchor) ? row(anchor).getBoundingClientRect().top : 0,
    };
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!kept) return;
    kept.ticked.forEach((id) => { tickOf(row(id)).checked = true; });
    if (cursor) mark(cursor, false);
    if (kept.focus && row(kept.focus)) {
      (kept.field ? tickOf(row(kept.focus)) : row(kept.focus).querySelector("a")).focus({ preventScroll: true });
    }
    if (kept.anchor && row(kept.anchor)) window.scrollBy(0, row(kept.anchor).getBoundingClientRect().top - kept.top);
    kept = null;
  });

  document.addEventListener("change", (event) => {
    if (event.target.name !== "all" || !event.target.closest("#live")) return;
    rows().forEach((one) => { tickOf(one).checked = event.target.checked; });
    event.target.checked = false; /* from here on the ticks themselves say which */
  });

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((one) => one.dataset.id === cursor);
    const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1);
    mark(all[next].dataset.id, true);
  }

  /* The page itself says, at a link or button, which key is a click on it. All of them only lead to another page: one
     that shows something, or asks before anything is done. */
  function press(key) {
    const target = document.querySelector('main [aria-keyshortcuts="' + key + '"]');
    if (!target) return;
    if (target.name === "act") {
      if (!ticked().length && tickOf(row(cursor))) tickOf(row(cursor)).checked = true;
      if (!ticked().length) return;
    }
    target.click();
  }

  const KEYS = {
    "/": () => { const field = document.querySelector("input[name=text]"); if (field) field.focus(); else location.assign("/quarantine"); },
    j: () => move(1),
    k: () => move(-1),
    x: () => { const tick = tickOf(row(cursor)); if (tick) tick.checked = !tick.checked; },
    o: () => { const link = row(cursor) && row(cursor).querySelector("a"); if (link) link.click(); else press("o"); },
    ...Object.fromEntries(["r", "d", "s", "a", "u"].map((key) => [key, () => press(key)])),
    "?": () => { const keys = document.getElementById("keys"); if (keys && !keys.open) keys.showModal(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const field = event.target;
    if (field.matches("textarea, select, input:not([type=checkbox])")) {
      if (event.key === "Escape") field.blur();
      return;
    }
    const does = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (does) { event.preventDefault(); does(); }
  });
})();
