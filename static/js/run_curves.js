// The two charts of a run: loss, and scores; `place` holds #plot-loss and #plot-scores.

import { curves } from "./charts.js";

// Returns a function that draws the epochs as REST tells them.
export function drawRun(place, last) {
    const drawLoss = curves(place.querySelector("#plot-loss"), { epochs: last });
    const drawScores = curves(place.querySelector("#plot-scores"), { epochs: last, top: 1 });
    return (epochs) => {
        const values = (name) => epochs.map((epoch) => [epoch.epoch, epoch[name]]);
        // Each epoch that was the best when it ended is marked: the last of them is the best.
        const best = epochs.filter((epoch) => epoch.is_best).at(-1)?.epoch;
        drawLoss(
            [
                { label: "train", values: values("loss"), colour: "--curve-train", thin: true },
                { label: "val", values: values("val_loss"), colour: "--curve-val" },
            ],
            { best },
        );
        drawScores(
            [
                { label: "train accuracy", values: values("accuracy"), colour: "--curve-train", thin: true },
                { label: "val accuracy", values: values("val_accuracy"), colour: "--curve-val" },
                { label: "val macro-F1", values: values("val_macro_f1"), colour: "--curve-f1", dash: [6, 4] },
            ],
            { best },
        );
    };
}
