// Curves over epochs, in the colours of the page; charts are drawn again when the theme changes.

window.Chart.defaults.font.family = "Inter, sans-serif";
const drawn = new Set();

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Gives a chart the colours of the theme; its datasets name theirs by `token`.
export function dress(chart) {
    const [ink, faint, line] = [colour("--ink"), colour("--ink-faint"), colour("--line")];
    chart.options.plugins.legend.labels.color = ink;
    for (const axis of Object.values(chart.options.scales)) {
        axis.ticks.color = faint;
        axis.grid.color = line;
        axis.border = { color: line };
        if (axis.title) axis.title.color = faint;
    }
    const tooltip = chart.options.plugins.tooltip;
    tooltip.backgroundColor = ink;
    tooltip.titleColor = colour("--paper");
    tooltip.bodyColor = colour("--paper");
    for (const dataset of chart.data.datasets) {
        dataset.borderColor = colour(dataset.token);
        dataset.backgroundColor = dataset.borderColor;
    }
}

// Draws a chart again whenever the theme changes.
export function followTheme(chart) {
    drawn.add(() => {
        dress(chart);
        chart.update("none");
    });
}

// Marks the best epoch: a line from top to bottom with its name.
const bestEpoch = {
    id: "bestEpoch",
    afterDatasetsDraw(chart, _args, options) {
        if (!options.epoch) return;
        const { ctx, chartArea: area, scales } = chart;
        const x = scales.x.getPixelForValue(options.epoch);
        ctx.save();
        ctx.strokeStyle = colour("--good");
        ctx.fillStyle = colour("--good");
        ctx.setLineDash([3, 3]);
        ctx.beginPath();
        ctx.moveTo(x, area.top);
        ctx.lineTo(x, area.bottom);
        ctx.stroke();
        ctx.font = "600 11px Inter, sans-serif";
        const nearEnd = x > area.right - 48;
        ctx.textAlign = nearEnd ? "right" : "left";
        ctx.fillText("best", x + (nearEnd ? -5 : 5), area.bottom - 6);
        ctx.restore();
    },
};

// `series`: {label, values: [[epoch, number or null]], colour: "--name", thin, dash: [lengths], best: its epoch}.
// `top`: the highest value of the axis, where it is fixed. Returns a function that draws other series in the same
// place: `best` is marked in all of them, `epochs` is the last of the axis.
export function curves(place, { epochs = 2, top = undefined, fromZero = true, legend = true }) {
    const canvas = place.querySelector("canvas");
    const chart = new window.Chart(canvas, {
        type: "line",
        data: { datasets: [] },
        plugins: [bestEpoch],
        options: {
            animation: false,
            responsive: true,
            maintainAspectRatio: false,
            interaction: { mode: "index", intersect: false },
            layout: { padding: { top: 2, right: 6 } },
            scales: {
                x: {
                    type: "linear",
                    min: 1,
                    max: Math.max(2, epochs),
                    ticks: { precision: 0, maxTicksLimit: 10 },
                    title: { display: true, text: "Epoch" },
                },
                y: { beginAtZero: fromZero, max: top, ticks: { maxTicksLimit: 6 } },
            },
            plugins: {
                legend: {
                    display: legend,
                    align: "start",
                    labels: {
                        usePointStyle: true,
                        pointStyleWidth: 26,
                        boxHeight: 8,
                        padding: 12,
                        generateLabels: (drawing) => drawing.data.datasets.map((dataset, index) => ({
                            datasetIndex: index,
                            text: dataset.label,
                            fontColor: colour("--ink"),
                            hidden: !drawing.isDatasetVisible(index),
                            pointStyle: "line",
                            strokeStyle: dataset.borderColor,
                            lineWidth: dataset.borderWidth,
                            lineDash: dataset.borderDash,
                        })),
                    },
                },
                tooltip: {
                    callbacks: {
                        title: ([item]) => `Epoch ${item.parsed.x}`,
                        label: (item) => ` ${item.dataset.label} ${item.parsed.y.toFixed(3)}`,
                    },
                },
            },
        },
    });
    const draw = (series, { best = undefined, epochs: last = epochs } = {}) => {
        const some = series.some((each) => each.values.some(([, value]) => value !== null));
        place.classList.toggle("drawn", some);
        chart.data.datasets = series.map((each) => ({
            label: each.label,
            token: each.colour,
            data: each.values.map(([x, y]) => ({ x, y })),
            borderWidth: each.thin ? 1.25 : 2.75,
            borderDash: each.dash ?? [],
            pointStyle: "circle",
            // One point is no line; the best stands out on the strong lines.
            pointRadius: (context) => {
                if (context.raw?.x === (each.best ?? best) && !each.thin) return 4;
                return each.values.length === 1 ? 2.5 : 0;
            },
            pointHoverRadius: 4,
            // A point on the edge is drawn whole.
            clip: 6,
        }));
        chart.options.plugins.bestEpoch = { epoch: best };
        chart.options.scales.x.max = Math.max(2, last);
        dress(chart);
        chart.update("none");
    };
    followTheme(chart);
    return draw;
}

new MutationObserver(() => drawn.forEach((again) => again())).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["class"],
});
