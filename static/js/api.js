// The REST door, with the session of the page: answers as objects, refusals as errors that say what to do.

export class ApiError extends Error {
    constructor(status, body, retryAfter = null) {
        super(body.detail || "The server did not answer as expected. Try again.");
        this.status = status;
        this.code = body.code || "unexpected";
        this.fields = body.fields || {};
        this.body = body;
        // Seconds to wait before the same may be asked again; null where the server named none.
        this.retryAfter = retryAfter;
    }
}

function csrfToken() {
    const cookie = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
    return cookie ? decodeURIComponent(cookie.slice("csrftoken=".length)) : "";
}

function seconds(text) {
    return text && Number.isFinite(Number(text)) ? Number(text) : null;
}

async function send(method, url, body, headers = {}, signal = undefined) {
    const isForm = body instanceof FormData;
    const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin", signal };
    if (method !== "GET") options.headers["X-CSRFToken"] = csrfToken();
    if (body !== undefined) {
        options.body = isForm ? body : JSON.stringify(body);
        if (!isForm) options.headers["Content-Type"] = "application/json";
    }
    let response;
    try {
        response = await fetch(url, options);
    } catch {
        if (signal?.aborted) throw new ApiError(0, { code: "stopped", detail: "Stopped." });
        throw new ApiError(0, { code: "offline", detail: "The server cannot be reached. Is it running? Try again." });
    }
    const read = await response.json().catch(() => ({}));
    if (response.status === 401 || (response.status === 403 && read.code === "not_authenticated")) {
        throw new ApiError(response.status, { code: "signed_out", detail: "You are signed out. Reload the page to sign in again." });
    }
    if (!response.ok) throw new ApiError(response.status, read, seconds(response.headers.get("Retry-After")));
    return read;
}

export const get = (url) => send("GET", url);
export const post = (url, body, headers, signal) => send("POST", url, body, headers, signal);
export const patch = (url, body) => send("PATCH", url, body);
export const put = (url, body, headers) => send("PUT", url, body, headers);
export const remove = (url) => send("DELETE", url);
