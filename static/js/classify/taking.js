// Files from a drop, the clipboard or a dialog, as {files: [{file, path}], others}: folders are walked, and of
// those what is no image by its name is left out and counted.

const IMAGES = /\.(png|jpe?g|tiff?|mpo)$/i;
const HIDDEN = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i;

// Of a dialog; files of a folder know their path in it.
export function taken(list) {
    const files = [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    const images = files.filter(({ file, path }) => !path.includes("/") || wanted(file.name, path));
    return { files: images, others: files.length - images.length };
}

function wanted(name, path) {
    return IMAGES.test(name) && !path.split("/").some((part) => HIDDEN.test(part));
}

// The clipboard calls every image the same.
export function pasted(list) {
    const at = new Date().toISOString().slice(0, 19).replace(/\D/g, "");
    const named = [...list].map((file, number) => {
        if (file.name !== "image.png") return file;
        return new File([file], `pasted-${at}${number ? `-${number}` : ""}.png`, { type: file.type });
    });
    return taken(named);
}

export async function dropped(transfer) {
    // The entries are gone once the event is over: they are taken before anything is waited for.
    const found = [...transfer.items].filter((item) => item.kind === "file");
    const entries = found.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
    const all = { files: [], others: 0 };
    for (const { entry, file } of entries) {
        if (entry?.isDirectory) await walk(entry, all);
        else if (file) all.files.push({ file, path: file.name });
    }
    return all;
}

async function walk(folder, all) {
    for (const entry of await entriesOf(folder)) {
        if (HIDDEN.test(entry.name)) continue;
        if (entry.isDirectory) await walk(entry, all);
        else if (!IMAGES.test(entry.name)) all.others += 1;
        else {
            const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
            if (file) all.files.push({ file, path: entry.fullPath.replace(/^\//, "") });
            else all.others += 1;
        }
    }
}

// A folder tells its entries a hundred at a time, an empty list at the end.
async function entriesOf(folder) {
    const reader = folder.createReader();
    const all = [];
    for (;;) {
        const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
        if (!some.length) return all.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
        all.push(...some);
    }
}
