using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Brokkr.Testing.Http;

/// <summary>A span as a collector gets it.</summary>
/// <param name="Service"><c>service.name</c> of its process.</param>
/// <param name="TraceId">Trace id, in hex.</param>
/// <param name="SpanId">Span id, in hex.</param>
/// <param name="ParentId">Span id of its parent, in hex; empty for none.</param>
/// <param name="Name">Its name.</param>
/// <param name="Attributes">Its attributes that are texts.</param>
/// <param name="Events">Names of its events.</param>
public sealed record OtlpSpan(
    string Service,
    string TraceId,
    string SpanId,
    string ParentId,
    string Name,
    IReadOnlyDictionary<string, string> Attributes,
    IReadOnlyList<string> Events
);

/// <summary>A value of a metric as a collector gets it.</summary>
/// <param name="Service"><c>service.name</c> of its process.</param>
/// <param name="Name">Name of the metric.</param>
/// <param name="Attributes">The attributes of the value that are texts.</param>
public sealed record OtlpPoint(string Service, string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>
/// A collector of traces and metrics: takes OTLP over gRPC and as protobuf over HTTP, by the field numbers of <c>trace.proto</c> and <c>metrics.proto</c> in
/// <c>opentelemetry/proto</c>, and keeps the spans and which values there were.
/// </summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<OtlpSpan> _spans = [];
    private readonly ConcurrentQueue<OtlpPoint> _points = [];

    private OtlpReceiver(WebApplication server) => _server = server;

    /// <summary>The spans that arrived so far.</summary>
    public IReadOnlyCollection<OtlpSpan> Spans => _spans;

    /// <summary>The values of metrics that arrived so far.</summary>
    public IReadOnlyCollection<OtlpPoint> Points => _points;

    /// <summary>What a role has to be told as <c>tracing-endpoint</c>.</summary>
    public string Endpoint { get; private set; } = "";

    /// <summary>What a role has to be told as <c>metrics-endpoint</c>.</summary>
    public string MetricsEndpoint { get; private set; } = "";

    /// <summary>Starts one.</summary>
    /// <param name="protocol"><c>grpc</c> or <c>http/protobuf</c>.</param>
    public static async Task<OtlpReceiver> StartAsync(string protocol)
    {
        var isGrpc = protocol == "grpc";
        var port = FreePort.Next();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                System.Net.IPAddress.Loopback,
                port,
                listen => listen.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1
            )
        );
        var server = builder.Build();
        var url = $"http://127.0.0.1:{port}";
        var receiver = new OtlpReceiver(server)
        {
            Endpoint = isGrpc ? url : url + "/v1/traces",
            MetricsEndpoint = isGrpc ? url : url + "/v1/metrics",
        };
        foreach (var (name, read) in ((string, Action<byte[]>)[])[("trace", receiver.ReadSpans), ("metrics", receiver.ReadPoints)])
        {
            server.MapPost(name == "trace" ? "/v1/traces" : "/v1/metrics", context => TakeHttpAsync(context, read));
            server.MapPost(
                $"/opentelemetry.proto.collector.{name}.v1.{char.ToUpperInvariant(name[0])}{name[1..]}Service/Export",
                context => TakeGrpcAsync(context, read)
            );
        }

        await server.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private static async Task TakeHttpAsync(HttpContext context, Action<byte[]> read)
    {
        read(await BodyAsync(context));
        context.Response.ContentType = "application/x-protobuf";
    }

    private static async Task TakeGrpcAsync(HttpContext context, Action<byte[]> read)
    {
        var body = await BodyAsync(context);
        Assert.Equal(0, body[0]);
        read(body[5..(5 + BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(1)))]);
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private static async Task<byte[]> BodyAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    private void ReadPoints(byte[] request)
    {
        foreach (var resource in Parts(request, 1))
        {
            var service = ServiceOf(resource);
            foreach (var metric in Parts(resource, 2).SelectMany(scope => Parts(scope, 2)))
            {
                // Gauge and sum keep the attributes of a value in field 7, histogram in field 9.
                foreach (var (kind, attributes) in ((int, int)[])[(5, 7), (7, 7), (9, 9)])
                {
                    foreach (var point in Parts(metric, kind).SelectMany(data => Parts(data, 1)))
                    {
                        _points.Enqueue(
                            new OtlpPoint(service, Text(metric, 1), Texts(point, attributes).ToDictionary(StringComparer.Ordinal))
                        );
                    }
                }
            }
        }
    }

    private static string ServiceOf(byte[] resource) =>
        Parts(resource, 1).SelectMany(r => Texts(r, 1)).FirstOrDefault(a => a.Key == "service.name").Value ?? "";

    private void ReadSpans(byte[] request)
    {
        foreach (var resource in Parts(request, 1))
        {
            var service = ServiceOf(resource);
            foreach (var span in Parts(resource, 2).SelectMany(scope => Parts(scope, 2)))
            {
                _spans.Enqueue(
                    new OtlpSpan(
                        service,
                        Hex(span, 1),
                        Hex(span, 2),
                        Hex(span, 4),
                        Text(span, 5),
                        Texts(span, 9).ToDictionary(StringComparer.Ordinal),
                        [.. Parts(span, 11).Select(@event => Text(@event, 2))]
                    )
                );
            }
        }
    }

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Parts(message, field).FirstOrDefault() ?? []);

    private static string Text(byte[] message, int field) => Encoding.UTF8.GetString(Parts(message, field).FirstOrDefault() ?? []);

    /// <summary>Attributes whose value is a text.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Texts(byte[] message, int field) =>
        from pair in Parts(message, field)
        from value in Parts(pair, 2)
        from text in Parts(value, 1)
        select KeyValuePair.Create(Text(pair, 1), Encoding.UTF8.GetString(text));

    /// <summary>All values of a field that are texts, bytes or messages.</summary>
    private static List<byte[]> Parts(byte[] message, int field)
    {
        var parts = new List<byte[]>();
        var input = new CodedInputStream(message);
        while (input.ReadTag() is not 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                parts.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return parts;
    }
}
