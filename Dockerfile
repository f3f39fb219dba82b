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

# Each service as one program: a third of the CPU to start. The library that makes previews stays a package of the machine.
FROM page AS programs
COPY scripts/images/bundle.mjs scripts/images/services.mjs scripts/images/
RUN for service in gateway ai audit operator; do node scripts/images/bundle.mjs $service /out/$service && npm sbom --sbom-format=cyclonedx --omit=dev --workspace services/$service > /out/$service/sbom.cdx.json || exit 1; done

FROM gcr.io/distroless/nodejs24-debian12:nonroot AS base
ARG COMMIT
WORKDIR /app
# `node` is found by name in every image of ours, also in those of `npm run images`: helm test uses it.
ENV NODE_ENV=production HOST=0.0.0.0 PATH=/nodejs/bin:/usr/bin:/bin RUNNEL_COMMIT=${COMMIT}
USER 65532:65532
LABEL org.opencontainers.image.licenses=Apache-2.0 dev.runnel.sbom=/app/sbom.cdx.json

FROM base AS gateway
COPY --from=programs /out/gateway /app
EXPOSE 8080 9080
CMD ["services/gateway/dist/main.mjs"]

# For setups without an ingress that knows two services: the gateway serves the page as well.
FROM gateway AS gateway-with-page
COPY --from=page /app/web/dist web
ENV WEB_DIR=/app/web

FROM base AS ai
COPY --from=programs /out/ai /app
EXPOSE 8081 9081
CMD ["services/ai/dist/main.mjs"]

FROM base AS audit
COPY --from=programs /out/audit /app
EXPOSE 8082 9082
CMD ["--disable-warning=TimeoutNegativeWarning", "services/audit/dist/main.mjs"]

FROM base AS operator
COPY --from=programs /out/operator /app
EXPOSE 9083
# As SMALL and SMALL_ENV of scripts/images/bundle.mjs.
ENV MALLOC_ARENA_MAX=1
CMD ["--max-semi-space-size=1", "--optimize-for-size", "services/operator/dist/main.mjs"]

FROM nginx:1.28-alpine AS web
COPY nginx-ingress/web.conf /etc/nginx/nginx.conf
COPY --from=page /app/web/dist /usr/share/runnel
COPY --from=page /app/sbom.cdx.json /app/
LABEL org.opencontainers.image.licenses=Apache-2.0 dev.runnel.sbom=/app/sbom.cdx.json
USER 65532:65532
EXPOSE 8080
