using System.Text;

namespace Brokkr.Testing.Http;

/// <summary>A request that a <see cref="Subscriber"/> got.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">Path and query, as sent.</param>
/// <param name="Headers">Headers in lower case; several of one name are joined with a comma.</param>
/// <param name="Body">The body.</param>
/// <param name="Protocol"><c>HTTP/1.1</c> or <c>HTTP/2</c>.</param>
public sealed record ReceivedRequest(
    string Method,
    string Path,
    IReadOnlyDictionary<string, string> Headers,
    ReadOnlyMemory<byte> Body,
    string Protocol
)
{
    /// <summary>Value of a header; null when absent.</summary>
    public string? this[string name] => Headers.GetValueOrDefault(name);

    /// <summary>The <c>ce-id</c> of a binary-mode event; empty when absent.</summary>
    public string EventId => this["ce-id"] ?? string.Empty;

    /// <summary>The body as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Body.Span);
}
