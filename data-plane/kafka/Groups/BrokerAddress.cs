using System.Globalization;

namespace Brokkr.Kafka.Groups;

/// <summary>Where a broker listens.</summary>
/// <param name="Host">Name or address; an IPv6 address without brackets.</param>
/// <param name="Port">1 to 65535.</param>
internal readonly record struct BrokerAddress(string Host, int Port)
{
    /// <summary>Reads <c>host:port</c>; an IPv6 address stands in brackets.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out BrokerAddress address)
    {
        address = default;

        // Clients may also write the protocol in front.
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        text = scheme < 0 ? text : text[(scheme + 3)..];
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            return false;
        }

        var host = text[..colon];
        address = new BrokerAddress(host is ['[', .. var inner, ']'] ? inner.ToString() : host.ToString(), port);
        return address.Host.Length > 0;
    }

    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
