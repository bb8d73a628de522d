import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, describe, expect, it } from "vitest";
import Plate from "../../src/components/Plate.svelte";

afterEach(cleanup);

describe("a plate that is used for one title after another", () => {
  it("never shows the picture of the last one, and forgets that it was broken", async () => {
    const { container, rerender } = render(Plate, { title: "Night Ferry", art: "/ferry.png" });
    const first = container.querySelector("img");
    expect(first?.getAttribute("src")).toBe("/ferry.png");
    await rerender({ title: "Tin Parade", art: "/parade.png" });
    const second = container.querySelector("img");
    expect(second).not.toBe(first);
    if (second) await fireEvent.error(second);
    expect([container.querySelector("img"), container.querySelector(".name")?.textContent]).toEqual([null, "Tin Parade"]);
    await rerender({ title: "Paper Kites", art: "/kites.png" });
    expect(container.querySelector("img")?.getAttribute("src")).toBe("/kites.png");
    await rerender({ title: "Under Clover", art: null });
    expect([container.querySelector("img"), container.querySelector(".name")?.textContent]).toEqual([null, "Under Clover"]);
  });
});
