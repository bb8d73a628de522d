/** Entry for tests and design work: the view over the fake backend. `?scenario=offline&theme=light&language=de&tv=1&step=50` */
import { mount } from "svelte";
import App from "./App.svelte";
import { Fake } from "./backend/fake";
import { nav } from "./state/nav.svelte";
import { shell } from "./state/shell.svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";

const wishes = new URLSearchParams(location.search);
const step = wishes.get("step");
const fake = new Fake(wishes.get("scenario") ?? "library", step === null ? {} : { step: Number(step) });
fake.setLook(wishes.get("theme") ?? "dark", wishes.get("language") ?? "en", wishes.get("tv") === "1");
Object.assign(window, { fake, nav, shell });

mount(App, { target: document.body, props: { backend: fake } });
