// How many images each choice of a filter would leave, written beside it.

import { get } from "../api.js";

export async function fillCounts({ query, ofEvaluation }) {
    const form = document.querySelector("form.filter-form");
    if (!form || ofEvaluation) return;
    // A count is a help, not the work: without it the filters work as well.
    const found = await get(`/api/v1/images/facets/?${new URLSearchParams(query)}`).catch(() => null);
    for (const [name, rows] of Object.entries(found?.facets ?? {})) {
        const counts = new Map(rows.map((row) => [row.value ?? "none", row]));
        for (const option of form.elements[name]?.options ?? []) {
            if (!option.value) continue;
            const { count = 0, exact = true } = counts.get(option.value) ?? {};
            option.textContent = `${option.dataset.name ?? option.textContent} (${count.toLocaleString("en")}${exact ? "" : "+"})`;
        }
    }
}
