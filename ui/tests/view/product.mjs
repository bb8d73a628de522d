/** The product's own page under the product's own policy: it starts, and says what is wrong when nothing answers it. */
import { built, settle } from "./harness.mjs";

async function starts(seat) {
  const page = await seat.openProduct(() => {
    // The shell's side of the bridge, on a day when no command is answered.
    let next = 0;
    window.__TAURI_INTERNALS__ = {
      transformCallback: () => ++next,
      unregisterCallback: () => {},
      invoke: (command) => (command === "plugin:event|listen" ? Promise.resolve(++next) : Promise.reject(`${command} is not there`)),
    };
    window.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener: () => {} };
  });
  await page.waitForSelector("main h1", { state: "attached" });
  await page.waitForSelector(".panel");
  await settle(page);
  const said = await page.textContent(".panel");
  await seat.picture("shots/product-nothing-answers");
  return [...(said.includes("Entente could not do that.") ? [] : [`it says: ${said}`]), ...(await seat.wrong())];
}

export const product = {
  tasks: () => (built("dist") ? [{ name: "the product's page", run: starts }] : []),
  sum: (done) => (done === 0 ? "skipped: dist is not built (npm run build)" : "starts under its policy, no breach"),
};
