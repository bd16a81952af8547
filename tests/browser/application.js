// What an application does that keeps its pictures in liveresize, on another origin: its own
// server gets a token, the browser sends the picture there itself.

const find = (selector) => document.querySelector(selector);
const steps = [];  // what `upload.onprogress` told: [loaded, total]

async function leave() {
    const answer = await fetch("/leave", { method: "POST" });
    return answer.json();
}

function send(url, body, headers) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open("POST", url);
        for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
        request.upload.onprogress = (event) => {
            steps.push([event.loaded, event.total]);
            find("progress").value = event.loaded / event.total;
        };
        request.onload = () => resolve({ status: request.status, ...JSON.parse(request.response) });
        request.onerror = () => reject(new Error("no answer"));
        request.send(body);
    });
}

async function upload(picture) {
    const { address, id, token } = await leave();
    const form = new FormData();
    form.append("image", picture);
    const receipt = await send(`${address}/${id}`, form, { "X-Token": token });
    find("output").textContent = receipt.status;
    const image = find("img");
    image.onload = () => { document.body.dataset.state = "shown"; };
    const width = (pixels) => `${address}/${id}_${pixels}_0.jpg ${pixels}w`;
    image.srcset = [200, 400, 800].map(width).join(", ");
    return receipt;
}

find("input").onchange = async (event) => {
    window.receipt = await upload(event.target.files[0]);
};
