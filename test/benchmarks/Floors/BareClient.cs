using System.Net.Http.Headers;
using Brokkr.Benchmarks.Measuring;

namespace Brokkr.Benchmarks.Floors;

/// <summary>An <see cref="HttpMessageInvoker"/> that posts 1 KiB with the headers of a delivered event: the HTTP half of a dispatcher's limit.</summary>
internal static class BareClient
{
    public static void Run(string url, int inFlight)
    {
        long events = 0;
        var stop = false;
        var invoker = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                UseProxy = false,
                AllowAutoRedirect = false,
                UseCookies = false,
                AutomaticDecompression = System.Net.DecompressionMethods.None,
                ActivityHeadersPropagator = null,
            }
        );
        var body = new byte[1024];
        var loops = Enumerable.Range(0, inFlight).Select(_ => Task.Run(LoopAsync)).ToArray();
        Snapshot.Serve(() => Volatile.Read(ref events));
        Volatile.Write(ref stop, true);
        Task.WaitAll(loops, TimeSpan.FromSeconds(10));

        async Task LoopAsync()
        {
            var target = new Uri(url);
            while (!Volatile.Read(ref stop))
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, target);
                request.Content = new ReadOnlyMemoryContent(body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
                request.Headers.TryAddWithoutValidation("ce-specversion", "1.0");
                request.Headers.TryAddWithoutValidation("ce-id", "4a6e3c1c-6d0b-4ae2-9b6e-000000000001");
                request.Headers.TryAddWithoutValidation("ce-source", "/benchmark/source");
                request.Headers.TryAddWithoutValidation("ce-type", "com.example.benchmark");
                request.Headers.TryAddWithoutValidation("ce-time", "2026-01-02T03:04:05Z");
                request.Headers.TryAddWithoutValidation("ce-knativekafkapartition", "1");
                request.Headers.TryAddWithoutValidation("ce-knativekafkaoffset", "12345");
                request.Headers.TryAddWithoutValidation("Prefer", "reply");
                request.Headers.TryAddWithoutValidation("Kn-Namespace", "ns");
                using var response = await invoker.SendAsync(request, CancellationToken.None);
                Interlocked.Increment(ref events);
            }
        }
    }
}
