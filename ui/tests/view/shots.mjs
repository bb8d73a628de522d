/** Every state in both themes and sizes: a picture, axe-core without findings, nothing that sticks out of the window. */
import { settle } from "./harness.mjs";
import { states } from "./states.mjs";

const SIZES = [
  [1280, 800],
  [1920, 1080],
];
const SHOTS = SIZES.length * 2;

async function shot(seat, [name, scenario, reach]) {
  const found = [];
  const page = await seat.open({ scenario });
  if (reach) await reach(page);
  for (const theme of ["dark", "light"]) {
    await page.evaluate((to) => (document.documentElement.dataset.theme = to), theme);
    for (const [width, height] of theme === "dark" ? SIZES : SIZES.toReversed()) {
      await seat.size(width, height);
      await settle(page);
      await seat.picture(`shots/${name}-${theme}-${width}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 0) found.push(`${theme} ${width}: ${wide} px too wide`);
    }
    const axe = theme === "dark" ? await seat.axe() : await seat.check();
    found.push(...axe.map((finding) => `${theme}: ${finding}`));
  }
  return [...found, ...(await seat.wrong())];
}

export const shots = {
  tasks: () => states.map((state) => ({ name: state[0], run: (seat) => shot(seat, state) })),
  sum: (done) => `${done * SHOTS} pictures of ${done} states in test-output/shots, axe-core on each in both themes`,
};
