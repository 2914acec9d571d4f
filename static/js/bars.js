// Stacked bars over days, in the colours of the page.

import { dress, followTheme } from "./charts.js";

// Returns a function that draws `days` (ISO dates) and `series` ({name, values, colour: "--name"}) in a place.
export function bars(place) {
    const chart = new window.Chart(place.querySelector("canvas"), {
        type: "bar",
        data: { labels: [], datasets: [] },
        options: {
            animation: false,
            responsive: true,
            maintainAspectRatio: false,
            interaction: { mode: "index", intersect: false },
            layout: { padding: { top: 2, right: 6 } },
            scales: {
                x: { stacked: true, ticks: { maxTicksLimit: 8, maxRotation: 0 }, grid: { display: false } },
                y: { stacked: true, beginAtZero: true, ticks: { precision: 0, maxTicksLimit: 5 } },
            },
            plugins: {
                legend: { align: "start", labels: { boxWidth: 10, boxHeight: 10, padding: 12 } },
                tooltip: {
                    filter: (item) => item.parsed.y > 0,
                    callbacks: { label: (item) => ` ${item.parsed.y.toLocaleString("en")} ${item.dataset.label}` },
                },
            },
        },
    });
    followTheme(chart);
    return (days, series) => {
        place.classList.toggle("drawn", series.some((each) => each.values.some((value) => value > 0)));
        chart.data.labels = days;
        chart.data.datasets = series.map(({ name, values, colour }) => ({
            label: name,
            token: colour,
            data: values.map((value) => value || null),
            maxBarThickness: 14,
            minBarLength: 2,
        }));
        dress(chart);
        chart.update("none");
    };
}
