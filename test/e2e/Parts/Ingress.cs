using System.Net;
using Brokkr.Testing;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>Asks a receiver the way Knative's control plane does.</summary>
internal static class Ingress
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Waits until an ingress is served: a control-plane probe is answered with 200.</summary>
    /// <param name="url">Address of the Broker.</param>
    /// <param name="process">The program that should serve it; its output is in the failure.</param>
    public static Task ServedAsync(string url, ChildProcess process) =>
        Eventually.True(
            async () =>
            {
                Assert.False(process.HasExited, $"brokkr ended:\n{process.Text}");
                using var probe = new HttpRequestMessage(HttpMethod.Get, url);
                probe.Headers.Add("K-Network-Probe", "probe");
                try
                {
                    using var answer = await Client.SendAsync(probe, TestContext.Current.CancellationToken);
                    return answer.StatusCode == HttpStatusCode.OK;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            () => $"{url} to be served; brokkr printed:\n{process.Text}",
            TimeSpan.FromSeconds(60)
        );
}
