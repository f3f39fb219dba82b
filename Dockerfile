# syntax=docker/dockerfile:1
# One file, a target per service: docker build --target gateway -t runnel/gateway:0.1.0 .
# Without an engine or a registry: npm run images (same layout, same user).
ARG NODE=24.21.0
# What runnel_build_info shows: --build-arg COMMIT=$(git rev-parse --short HEAD)
ARG COMMIT=unknown

FROM node:${NODE}-bookworm-slim AS sources
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages packages
COPY services services
COPY web web
COPY e2e/package.json e2e/package.json
COPY bench/package.json bench/package.json

FROM sources AS page
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run build --workspace web && npm sbom --sbom-format=cyclonedx --omit=dev --workspace web > sbom.cdx.json

# Each service gets its own dependencies only.
# The library that makes previews is an optional dependency for each kind of machine.
FROM sources AS gateway-deps
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace services/gateway && find node_modules -type f -regex '.*\.\(map\|d\.[cm]?ts\)' -delete && npm sbom --sbom-format=cyclonedx --omit=dev --workspace services/gateway > sbom.cdx.json
FROM sources AS ai-deps
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --workspace services/ai && find node_modules -type f -regex '.*\.\(map\|d\.[cm]?ts\)' -delete && npm sbom --sbom-format=cyclonedx --omit=dev --workspace services/ai > sbom.cdx.json
FROM sources AS audit-deps
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --workspace services/audit && find node_modules -type f -regex '.*\.\(map\|d\.[cm]?ts\)' -delete && npm sbom --sbom-format=cyclonedx --omit=dev --workspace services/audit > sbom.cdx.json

# One file without the packages it is made of: a third of the memory.
FROM page AS operator-bundle
COPY scripts/images/bundle.mjs scripts/images/bundle.mjs
RUN node scripts/images/bundle.mjs operator /out && npm sbom --sbom-format=cyclonedx --omit=dev --workspace services/operator > /out/sbom.cdx.json

FROM gcr.io/distroless/nodejs24-debian12:nonroot AS base
ARG COMMIT
WORKDIR /app
# `node` is found by name in every image of ours, also in those of `npm run images`: helm test uses it.
ENV NODE_ENV=production HOST=0.0.0.0 PATH=/nodejs/bin:/usr/bin:/bin RUNNEL_COMMIT=${COMMIT}
USER 65532:65532
LABEL org.opencontainers.image.licenses=Apache-2.0 dev.runnel.sbom=/app/sbom.cdx.json

FROM base AS gateway
COPY --from=gateway-deps /app/package.json /app/sbom.cdx.json ./
COPY --from=gateway-deps /app/node_modules node_modules
COPY packages packages
COPY services/gateway services/gateway
EXPOSE 8080 9080
CMD ["services/gateway/src/main.ts"]

# For setups without an ingress that knows two services: the gateway serves the page as well.
FROM gateway AS gateway-with-page
COPY --from=page /app/web/dist web
ENV WEB_DIR=/app/web

FROM base AS ai
COPY --from=ai-deps /app/package.json /app/sbom.cdx.json ./
COPY --from=ai-deps /app/node_modules node_modules
COPY packages packages
COPY services/ai services/ai
EXPOSE 8081 9081
CMD ["services/ai/src/main.ts"]

FROM base AS audit
COPY --from=audit-deps /app/package.json /app/sbom.cdx.json ./
COPY --from=audit-deps /app/node_modules node_modules
COPY packages packages
COPY services/audit services/audit
EXPOSE 8082 9082
CMD ["--disable-warning=TimeoutNegativeWarning", "services/audit/src/main.ts"]

FROM base AS operator
COPY --from=operator-bundle /out/main.mjs /out/LICENCES.txt /out/package.json /out/sbom.cdx.json /app/
EXPOSE 9083
# As SMALL and SMALL_ENV of scripts/images/bundle.mjs.
ENV MALLOC_ARENA_MAX=1
CMD ["--max-semi-space-size=1", "--optimize-for-size", "main.mjs"]

FROM nginx:1.28-alpine AS web
COPY nginx-ingress/web.conf /etc/nginx/nginx.conf
COPY --from=page /app/web/dist /usr/share/runnel
COPY --from=page /app/sbom.cdx.json /app/
LABEL org.opencontainers.image.licenses=Apache-2.0 dev.runnel.sbom=/app/sbom.cdx.json
USER 65532:65532
EXPOSE 8080
