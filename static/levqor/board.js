// Keeps the board fresh: fetches it again, counts its ages up, and says so when it cannot.
"use strict";
{
  const board = document.getElementById("board");
  const notice = document.getElementById("board-stale");
  const every = Number(board.dataset.every) * 1000;
  let readAt = performance.now();
  let running = false;

  // As `figures.duration` writes lengths of time.
  function duration(seconds) {
    const units = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];
    for (const [size, unit, smaller, smallerUnit] of units) {
      if (seconds >= size) {
        const rest = Math.floor((seconds % size) / smaller);
        return `${Math.floor(seconds / size)} ${unit}` + (rest ? ` ${rest} ${smallerUnit}` : "");
      }
    }
    return `${seconds} s`;
  }

  function countUp() {
    const since = Math.floor((performance.now() - readAt) / 1000);
    for (const element of board.querySelectorAll("time[data-age]")) {
      element.textContent = `${duration(Number(element.dataset.age) + since)} ago`;
    }
  }

  function complain(text) {
    const seconds = Math.round((performance.now() - readAt) / 1000);
    notice.textContent = `What you see is ${duration(seconds)} old. ${text}`;
    notice.hidden = false;
  }

  // The link in the new board that stands where the focused one stood in the old.
  function focusMark() {
    const active = document.activeElement;
    if (!board.contains(active) || !active.getAttribute("href")) {
      return null;
    }
    const same = [...board.querySelectorAll("a")].filter((a) => a.getAttribute("href") === active.getAttribute("href"));
    return {href: active.getAttribute("href"), place: same.indexOf(active)};
  }

  function show(html) {
    const focused = focusMark();
    const page = new DOMParser().parseFromString(html, "text/html");
    board.replaceChildren(...page.body.childNodes);
    if (focused !== null) {
      const same = [...board.querySelectorAll("a")].filter((a) => a.getAttribute("href") === focused.href);
      if (same[focused.place]) {
        same[focused.place].focus({preventScroll: true});
      }
    }
    readAt = performance.now();
    notice.hidden = true;
    const decision = board.querySelector(".decision");
    if (decision !== null) {
      document.title = `${decision.textContent.trim().replace(/\s+/g, " ")} · Board · Levqor portal`;
    }
  }

  async function refresh() {
    if (running || document.hidden) {
      return;
    }
    running = true;
    try {
      const answer = await fetch(board.dataset.url, {
        credentials: "same-origin", cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(20000),
      });
      if (answer.type === "opaqueredirect") {
        complain("You are signed out: reload the page to sign in again.");
      } else if (!answer.ok) {
        complain(`The portal answered with status ${answer.status}. Trying again in ${every / 1000} s.`);
      } else {
        show(await answer.text());
      }
    } catch (error) {
      complain(`The portal does not answer. Trying again in ${every / 1000} s.`);
    } finally {
      running = false;
    }
  }

  setInterval(countUp, 1000);
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && performance.now() - readAt > every) {
      refresh();
    }
  });
}
