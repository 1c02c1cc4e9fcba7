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

/// <summary>
/// A collector of traces: takes OTLP over gRPC and as protobuf over HTTP, by the field numbers of <c>opentelemetry/proto/trace/v1/trace.proto</c>, and keeps the
/// spans.
/// </summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<OtlpSpan> _spans = [];

    private OtlpReceiver(WebApplication server) => _server = server;

    /// <summary>What arrived so far.</summary>
    public IReadOnlyCollection<OtlpSpan> Spans => _spans;

    /// <summary>What a role has to be told as <c>tracing-endpoint</c>.</summary>
    public string Endpoint { get; private set; } = "";

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
        var receiver = new OtlpReceiver(server) { Endpoint = $"http://127.0.0.1:{port}{(isGrpc ? "" : "/v1/traces")}" };
        server.MapPost("/v1/traces", receiver.TakeHttpAsync);
        server.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", receiver.TakeGrpcAsync);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task TakeHttpAsync(HttpContext context)
    {
        Read(await BodyAsync(context));
        context.Response.ContentType = "application/x-protobuf";
    }

    private async Task TakeGrpcAsync(HttpContext context)
    {
        var body = await BodyAsync(context);
        Assert.Equal(0, body[0]);
        Read(body[5..(5 + BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(1)))]);
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

    private void Read(byte[] request)
    {
        foreach (var resource in Parts(request, 1))
        {
            var service = Parts(resource, 1).SelectMany(r => Texts(r, 1)).FirstOrDefault(a => a.Key == "service.name").Value ?? "";
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
