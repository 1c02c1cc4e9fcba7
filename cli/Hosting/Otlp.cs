using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;

namespace Brokkr.Cli.Hosting;

/// <summary>What sending spans and sending metrics have in common.</summary>
internal static class Otlp
{
    /// <summary>Names the service, where <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> do not.</summary>
    public static ResourceBuilder Describe(DataPlaneEnvironment environment) =>
        ResourceBuilder
            .CreateEmpty()
            .AddService(environment.ServiceName, environment.ServiceNamespace, autoGenerateServiceInstanceId: false)
            .AddEnvironmentVariableDetector();

    /// <summary>Says where to and how.</summary>
    public static void Connect(OtlpExporterOptions otlp, Uri endpoint, bool isGrpc)
    {
        otlp.Endpoint = endpoint;
        otlp.Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
    }
}
