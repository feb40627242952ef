# packager without TensorFlow, in an image. docs/install.md tells more.
#     docker build --tag packager .
#     docker run --rm --volume "$PWD:/work" packager build --data photos --out dist/flowers
FROM python:3.14-slim-trixie@sha256:51dafde81dbdb6ebde285137a295cf18a47ca95234fe388a343719cb97305b3d AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 SOURCE_DATE_EPOCH=1767225600
WORKDIR /src
# Every package by version and SHA-256, so that the same commit gives the same files.
COPY docker/requirements.txt docker/requirements.txt
RUN python3 -m venv /opt/packager
RUN /opt/packager/bin/pip install --no-compile --only-binary=:all: --require-hashes -r docker/requirements.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY packager packager
COPY templates templates
RUN /opt/packager/bin/pip install --no-compile --no-deps --no-build-isolation .
RUN /opt/packager/bin/pip uninstall --yes hatchling pathspec pluggy trove-classifiers pip

FROM python:3.14-slim-trixie@sha256:51dafde81dbdb6ebde285137a295cf18a47ca95234fe388a343719cb97305b3d
COPY --from=build /opt/packager /opt/packager
# Whoever runs it, by --user or not, can write the cache and /work.
RUN install --directory --mode=1777 /cache /work
ENV PATH=/opt/packager/bin:/usr/local/bin:/usr/bin:/bin PACKAGER_CACHE=/cache HOME=/work
WORKDIR /work
USER 1000:1000
ENTRYPOINT ["packager"]
CMD ["--help"]
