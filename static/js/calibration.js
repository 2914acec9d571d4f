// The threshold: a slider, a field and a click on the curve of risk over coverage, told in a sentence.

const data = JSON.parse(document.getElementById("curve-data").textContent);
const place = (name) => document.getElementById(name);
const curve = place("curve");
const slider = place("slider");
const field = place("below");
const [left, top, width, height] = data.area;
const total = data.kept[0];
const percent = (share) => `${(100 * share).toFixed(1)} %`;

// Images below the threshold are not answered: the next step up counts where one lies between two.
const at = (threshold) => Math.min(data.kept.length - 1, Math.max(0, Math.ceil(threshold * 1000 - 1e-9)));

function sentence(threshold) {
    const step = at(threshold);
    const [kept, wrong] = [data.kept[step], data.wrong[step]];
    const all = `${percent(data.wrong[0] / total)} of all ${total.toLocaleString("en")} are`;
    if (!threshold || kept === total) return `Answers every image: ${all} wrong.`;
    if (!kept) return `Below ${threshold} it abstains on every image.`;
    return `Below ${threshold} it abstains on ${percent(1 - kept / total)} of the images; of the ${kept.toLocaleString("en")} others ${percent(wrong / kept)} are wrong (${all}).`;
}

function show(threshold) {
    const step = at(threshold);
    const [kept, wrong] = [data.kept[step], data.wrong[step]];
    place("told").textContent = sentence(threshold);
    slider.setAttribute("aria-valuetext", sentence(threshold));
    const mark = place("chosen");
    mark.toggleAttribute("hidden", !kept);
    if (!kept) return;
    const x = left + (kept / total) * width;
    const [line, dot] = mark.children;
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", top + (1 - Math.min(1, wrong / kept / data.top)) * height);
}

function choose(threshold) {
    field.value = threshold ? String(threshold) : "";
    slider.value = threshold;
    show(threshold);
}

// The threshold that answers a share of the images, as near as there is one.
function answering(share) {
    let best = 0;
    for (let step = 0; step < data.kept.length; step++) {
        if (Math.abs(data.kept[step] / total - share) < Math.abs(data.kept[best] / total - share)) best = step;
    }
    return best / 1000;
}

if (slider) {
    place("sliding").hidden = false;
    slider.addEventListener("input", () => choose(Number(slider.value)));
    field.addEventListener("input", () => {
        const typed = Number(field.value.replace(",", "."));
        if (!(typed >= 0 && typed <= 1)) return;
        slider.value = typed;
        show(typed);
    });
    curve.addEventListener("click", (event) => {
        const box = curve.getBoundingClientRect();
        const x = ((event.clientX - box.left) / box.width) * curve.viewBox.baseVal.width;
        choose(answering(Math.min(1, Math.max(0, (x - left) / width))));
    });
    show(Number(field.value.replace(",", ".")) || 0);
}
