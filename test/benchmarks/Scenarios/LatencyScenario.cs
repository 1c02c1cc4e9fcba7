using System.Diagnostics;
using System.Globalization;
using System.Net;
using Brokkr.Benchmarks.Load;
using Brokkr.Benchmarks.Measuring;
using Brokkr.Benchmarks.Roles;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Brokkr.Benchmarks.Scenarios;

/// <summary>
/// From the moment at which an event was due to its arrival at the subscriber, at a fixed rate; late sending counts as latency. The limit is the
/// same events posted to the subscriber itself.
/// </summary>
internal static class LatencyScenario
{
    private const int Rate = 1000;

    public static async Task RunAsync(Bench bench)
    {
        var arrivals = new List<double>();
        var started = 0L;
        await using var subscriber = await SubscriberAsync(id =>
        {
            var due = long.Parse(id, CultureInfo.InvariantCulture) * (Stopwatch.Frequency / Rate) + Volatile.Read(ref started);
            lock (arrivals)
            {
                arrivals.Add((Stopwatch.GetTimestamp() - due) * 1000.0 / Stopwatch.Frequency);
            }
        });
        var address = new Uri(
            subscriber.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First()
        );
        var rows = new List<Row> { await AtRateAsync("straight to the subscriber", address.Port, "/") };
        foreach (var order in (string[])["UNORDERED", "ORDERED"])
        {
            var topic = await bench.TopicAsync("latency");
            await using var receiver = await Child.StartAsync("receiver", bench.Servers, topic);
            await using var dispatcher = await Child.StartAsync(
                "dispatcher",
                bench.Servers,
                topic,
                address.ToString(),
                "1",
                order,
                "all",
                "earliest",
                Guid.NewGuid().ToString("N")
            );
            var port = int.Parse(receiver.Value("port"), CultureInfo.InvariantCulture);
            await HttpLoad.AcceptedAsync(port, RoleChildren.Path);
            rows.Add(await AtRateAsync($"through receiver, Kafka and dispatcher, {order.ToLowerInvariant()}", port, RoleChildren.Path));
        }

        Table.Print($"Latency to delivery at {Rate}/s", rows);

        async Task<Row> AtRateAsync(string work, int port, string path)
        {
            using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null });
            foreach (var seconds in (double[])[bench.WarmUp.TotalSeconds + 5, bench.Time.TotalSeconds])
            {
                lock (arrivals)
                {
                    arrivals.Clear();
                }

                Volatile.Write(ref started, Stopwatch.GetTimestamp());
                var sends = new List<Task>();
                var count = (int)(seconds * Rate);
                for (var i = 0; i < count; i++)
                {
                    var due = started + (i * (Stopwatch.Frequency / Rate));
                    while (Stopwatch.GetTimestamp() < due)
                    {
                        await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
                    }

                    sends.Add(SendAsync(client, port, path, i));
                }

                await Task.WhenAll(sends);
                var clock = Stopwatch.StartNew();
                while (Arrived() < count && clock.Elapsed < TimeSpan.FromSeconds(20))
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, CancellationToken.None);
                }

                if (seconds == bench.Time.TotalSeconds)
                {
                    double[] sorted;
                    lock (arrivals)
                    {
                        sorted = [.. arrivals.Order()];
                    }

                    return new Row(work)
                    {
                        EventsPerSecond = Rate,
                        P50 = HttpLoad.Percentile(sorted, 0.5),
                        P99 = HttpLoad.Percentile(sorted, 0.99),
                        Note = $"{sorted.Length} of {count} arrived",
                    };
                }
            }

            throw new InvalidOperationException();
        }

        int Arrived()
        {
            lock (arrivals)
            {
                return arrivals.Count;
            }
        }
    }

    private static async Task SendAsync(HttpMessageInvoker client, int port, string path, int id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://127.0.0.1:{port}{path}"));
        request.Content = new ReadOnlyMemoryContent(new byte[1024]);
        request.Headers.TryAddWithoutValidation("ce-specversion", "1.0");
        request.Headers.TryAddWithoutValidation("ce-id", id.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("ce-source", "/benchmark/source");
        request.Headers.TryAddWithoutValidation("ce-type", "com.example.benchmark");
        using var response = await client.SendAsync(request, CancellationToken.None);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"answered {(int)response.StatusCode}");
        }
    }

    private static async Task<WebApplication> SubscriberAsync(Action<string> arrived)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(context =>
        {
            arrived(context.Request.Headers["ce-id"].ToString());
            context.Response.StatusCode = 202;
            return Task.CompletedTask;
        });
        await app.StartAsync();
        return app;
    }
}
