// Keeps a page as it is now. A log grows as its lines arrive; the rest of a page is fetched again when
// the server says that something changed.
"use strict";
(() => {
  // Somebody writes in a form or is about to press its button: it is not taken away.
  const answering = () => document.activeElement && document.activeElement.closest("main form");
  const log = document.querySelector("[data-log]");
  const page = document.querySelector("[data-live]");

  // Exchanges one part of the page. What changes while that runs, or while somebody answers, is looked
  // at once more after it.
  const refresher = (part) => {
    let busy = false;
    let again = false;
    let late = false;
    const exchange = async () => {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(part);
      late = answering();
      if (!answer.ok || late) return;
      if (next) document.querySelector(part).replaceWith(next);
    };
    const refresh = async () => {
      again = true;
      if (busy) return;
      busy = true;
      while (again) {
        again = false;
        await exchange().catch(() => {}); // the server is away; its stream opens again when it is back
        await new Promise((next) => setTimeout(next, 250));
      }
      busy = false;
    };
    document.addEventListener("focusout", () => { if (late) refresh(); });
    return refresh;
  };

  const refresh = refresher(log ? "#now" : "main");
  if (log) {
    const source = new EventSource(log.dataset.log);
    source.onopen = () => {
      log.textContent = ""; // a reconnected stream begins at the first line
      refresh();
    };
    source.onmessage = (event) => {
      const stick = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
      log.append(JSON.parse(event.data));
      if (stick) log.scrollTop = log.scrollHeight;
    };
    source.addEventListener("changed", refresh);
    // "end": it ended while we looked; "done": it had ended before.
    source.addEventListener("end", () => { source.close(); refresh(); });
    source.addEventListener("done", () => source.close());
  } else if (page) {
    const source = new EventSource(page.dataset.live);
    source.onopen = refresh; // whatever changed since the page was made, or while the server was away
    source.addEventListener("changed", refresh);
  }
})();
