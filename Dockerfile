# An image on Debian, for those who build with Docker; hack/image needs none.
#
#     dotnet publish cli -c Release -r linux-x64 --self-contained -p:RestorePackagesWithLockFile=false -o artifacts/image/app
#     docker build -t brokkr .
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
COPY artifacts/image/app /app
ENV PATH=/app:$PATH \
    DOTNET_EnableDiagnostics=0
USER 1654
ENTRYPOINT ["/app/brokkr"]
