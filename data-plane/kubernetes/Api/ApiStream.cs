namespace Brokkr.Kubernetes.Api;

/// <summary>An answer that comes bit by bit.</summary>
/// <param name="response">The answer.</param>
/// <param name="body">What comes.</param>
internal sealed class ApiStream(HttpResponseMessage response, Stream body) : IAsyncDisposable
{
    public Stream Body => body;

    public async ValueTask DisposeAsync()
    {
        await body.DisposeAsync();
        response.Dispose();
    }
}
