// The live camera.

const REASONS = /** @type {Record<string, string>} */ ({
  NotAllowedError: 'Camera access was denied. Allow it for this page in the browser, and try again.',
  NotFoundError: 'There is no camera on this device.',
  NotReadableError: 'Another program uses the camera. Close it, and try again.',
});

/**
 * Shows the camera in `video`, and calls `each` with one frame after the other.
 * @param {HTMLVideoElement} video
 * @param {"environment" | "user"} facing back or front, where there are both
 * @param {() => Promise<void>} each
 * @returns {Promise<() => void>} what ends it
 */
export async function startCamera(video, facing, each) {
  if (!navigator.mediaDevices) {
    throw new Error(
      'Browsers only allow camera access for pages on this machine or over HTTPS. ' +
        'See `packager web --serve --host`.',
    );
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: { ideal: facing }, width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    stream?.getTracks().forEach((track) => track.stop());
    const name = error instanceof DOMException ? error.name : '';
    throw new Error(REASONS[name] ?? `The camera can't be used (${error}).`);
  }
  let running = true;
  const end = () => {
    running = false;
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  const next = async () => {
    if (!running) return;
    try {
      if (video.videoWidth) await each();
    } finally {
      if (running) requestAnimationFrame(next);
    }
  };
  requestAnimationFrame(next);
  return end;
}
