// The menu on narrow screens: closed until asked for. Without this script it is simply open.
"use strict";
{
  const button = document.getElementById("menu-toggle");
  const menu = document.getElementById("console-menu");
  if (button !== null && menu !== null) {
    document.documentElement.classList.add("menu-closable");
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      menu.classList.toggle("open", open);
    });
    const current = menu.querySelector("[aria-current]");
    if (current !== null && menu.scrollHeight > menu.clientHeight) {
      menu.scrollTop = Math.max(0, current.offsetTop - menu.clientHeight / 2);
    }
  }
}
