// The curves of the run that a model came from.

import { get } from "./api.js";
import { drawRun } from "./run_curves.js";

const place = document.getElementById("curves");
const run = await get(place.dataset.source).catch(() => null);
const epochs = run?.epochs.filter((epoch) => epoch.attempt === run.attempt) ?? [];
if (epochs.length) drawRun(place, epochs.length)(epochs);
else place.hidden = true;
