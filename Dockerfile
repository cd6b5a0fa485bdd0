# SPDX-License-Identifier: MIT
# One image for all roles: docker run leat worker, docker run leat push …
# The file `packages` says what is installed, as for ./run.
FROM debian:12-slim AS build
WORKDIR /src
COPY packages ./
RUN apt-get update \
 && apt-get install -y --no-install-recommends $(awk '$1 == "build" { print $2 }' packages)
COPY . .
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr \
 && cmake --build --preset release \
 && DESTDIR=/out cmake --install build/release --strip

FROM debian:12-slim
COPY packages /usr/share/doc/leat/
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      $(awk '$1 == "run" { print $2 }' /usr/share/doc/leat/packages) \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /
# No name is needed: nothing is written, what is kept is in Redis.
USER 10001:10001
EXPOSE 8740
# No HEALTHCHECK: the roles differ. A worker's is `leat health --host`, see docker-compose.yml.
ENTRYPOINT ["leat"]
CMD ["help"]
