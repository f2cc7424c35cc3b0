# The gateway. Built by compose.yaml with the checkout as its context; nothing of it is needed when it runs.

FROM python:3.12.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY gateway gateway
COPY rules rules
COPY docs/runbooks docs/runbooks
RUN python -m venv /opt/macrogate \
 && PIP_CONSTRAINT=constraints.txt /opt/macrogate/bin/pip install --no-cache-dir '.[jail,fast]'

FROM python:3.12.12-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends libarchive13 libseccomp2 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 macrogate \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/macrogate --shell /usr/sbin/nologin macrogate \
 && install -d -o macrogate -g macrogate -m 0700 /var/lib/macrogate
COPY --from=build /opt/macrogate /opt/macrogate
USER 10001:10001
ENV PATH=/opt/macrogate/bin:$PATH PYTHONDONTWRITEBYTECODE=1
VOLUME /var/lib/macrogate
ENTRYPOINT ["macrogate"]
CMD ["serve"]
