/** The 10-foot mode: no text under 24 px at 1080p, nothing too wide; and German fits as English does. */
import { settle } from "./harness.mjs";
import { states } from "./states.mjs";

const NAMES = ["welcome", "library", "card", "card-link", "signin-code", "hosts", "play-starting", "report-bad", "settings", "settings-game", "doctor", "about", "keyboard"];
const LOOKS = [
  ["tv", { tv: true, width: 1920, height: 1080 }],
  ["de", { language: "de" }],
];

async function look(seat, kind, how, [name, scenario, reach]) {
  const page = await seat.open({ scenario, ...how });
  if (reach) await reach(page);
  await settle(page);
  await seat.picture(`shots/${name}-${kind}`);
  const state = await page.evaluate(() => {
    const small = [];
    const cut = [];
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
      if (!own || element.closest(".unseen, [aria-hidden=true], svg") || element.getClientRects().length === 0) continue;
      const size = Number.parseFloat(getComputedStyle(element).fontSize);
      if (size < 23.99) small.push(`${element.tagName} ${element.className} ${size}`);
      if (element.matches("button, h1, h2, h3") && element.scrollWidth > element.clientWidth + 1) cut.push(element.textContent.trim());
    }
    return { small, cut, wide: document.documentElement.scrollWidth - window.innerWidth };
  });
  const found = kind === "tv" ? state.small.map((what) => `too small: ${what}`) : [];
  found.push(...state.cut.map((what) => `cut: ${what}`));
  if (state.wide > 0) found.push(`${state.wide} px too wide`);
  return [...new Set(found), ...(await seat.wrong())];
}

export const tv = {
  tasks: () =>
    LOOKS.flatMap(([kind, how]) =>
      states.filter(([name]) => NAMES.includes(name)).map((state) => ({ name: `${state[0]}, ${kind}`, run: (seat) => look(seat, kind, how, state) })),
    ),
  sum: (done) => `${done} screens, from the sofa and in German`,
};
