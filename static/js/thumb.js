// One thumbnail of the grid: what it shows of an image, and how it is told to who cannot see it.

export function describe(image) {
    const said = image.prediction;
    const parts = [image.paper ? `${image.paper} / ${image.file}` : image.file];
    parts.push(image.excluded ? "excluded" : image.label ? `labelled ${image.label}` : "no label");
    if (said) parts.push(`predicted ${said.label}, ${sure(said)}`);
    if (image.why) parts.push(image.why);
    if (image.decided) parts.push(image.decided === "elsewhere" ? "with somebody else" : image.decided);
    return parts.join(", ");
}

const sure = (said) => `${Math.round(said.confidence * 100)} %`;

function span(className, text) {
    return Object.assign(document.createElement("span"), { className, textContent: text });
}

// Evaluated images carry their prediction flat; the list nests it.
export function normalise(image) {
    if (image.predicted && !image.prediction) {
        image.prediction = { label: image.predicted, confidence: image.confidence };
    }
    return image;
}

export function draw(element, image, classes) {
    const style = classes[image.label];
    element.className = ["thumb", image.excluded && "excluded", !image.label && "none", image.unsaved && "unsaved", image.decided].filter(Boolean).join(" ");
    element.setAttribute("aria-label", describe(image));
    element.title = describe(image);
    if (style) element.style.setProperty("--class", style.colour);
    else element.style.removeProperty("--class");
    const caption = span("caption", "");
    caption.append(span(style ? "letter" : "letter none", style ? style.short : "–"));
    caption.append(span("name", image.paper ? `${image.paper}/${image.file}` : image.file));
    const said = image.prediction;
    const differs = said && said.label !== image.label;
    const told = span(
        differs ? "said differs" : "said",
        said ? `${differs ? "≠" : "="} ${said.label} ${sure(said)}` : image.why || (image.label ?? "no label"),
    );
    if (differs) told.dataset.short = `≠${classes[said.label]?.short ?? ""}`;
    caption.append(told);
    element.querySelector(".caption")?.remove();
    element.append(caption);
}

// The line above the images of a paper; each thumbnail's own name tells its paper too.
export function head(image) {
    const element = span("group-head", image.paper ? `Paper ${image.paper}` : "No paper");
    element.setAttribute("aria-hidden", "true");
    return element;
}

const pathOf = (image) => new URL(image.thumbnail, window.location.href).pathname;

// Fetch the picture of an image that is shown soon.
export function preload(image) {
    new Image().src = pathOf(image);
}

export function make(image, classes) {
    const element = document.createElement("div");
    element.setAttribute("role", "option");
    element.setAttribute("aria-selected", "false");
    element.tabIndex = -1;
    element.dataset.id = image.id;
    const picture = span("picture", "");
    const img = document.createElement("img");
    img.loading = "lazy";
    img.decoding = "async";
    img.alt = "";
    img.src = pathOf(image);
    picture.append(img);
    element.append(picture);
    draw(element, image, classes);
    return element;
}
