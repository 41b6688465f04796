// Keeps a page as it is now. A log grows as its lines arrive; any other page that runs is fetched
// again when the server says that something changed.
"use strict";
(() => {
  // Somebody writes in a form or is about to press its button: it is not taken away.
  const answering = () => document.activeElement && document.activeElement.closest("main form");
  const log = document.querySelector("[data-log]");
  const page = document.querySelector("[data-live]");
  if (log) {
    const source = new EventSource(log.dataset.log);
    source.onopen = () => { log.textContent = ""; }; // a reconnected stream begins at the first line
    source.onmessage = (event) => {
      const stick = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
      log.append(JSON.parse(event.data));
      if (stick) log.scrollTop = log.scrollHeight;
    };
    // "end": it ended while we looked, so the page shows more now; "done": it had ended before.
    source.addEventListener("end", () => { source.close(); location.reload(); });
    source.addEventListener("done", () => source.close());
  } else if (page) {
    const source = new EventSource(page.dataset.live);
    source.addEventListener("changed", async () => {
      if (answering()) return;
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answering()) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("main").replaceWith(next.querySelector("main"));
    });
  }
})();
