namespace Brokkr.Receiver.Tls;

/// <summary>HTTPS beside HTTP: it is there while both files of the certificate are (receiver-and-core §16).</summary>
public sealed record TlsOptions
{
    /// <summary>Where the original's manifests mount the Secret.</summary>
    public const string SecretFolder = "/etc/receiver-tls-secret";

    /// <summary>Port for HTTPS, 0 for any free one. Default 8443.</summary>
    public int Port { get; init; } = 8443;

    /// <summary>
    /// Folder with <c>tls.crt</c> (PEM, the server's certificate first, then those that lead to its authority) and <c>tls.key</c> (PEM). It and they
    /// may come, change and go while the receiver runs. Default: <see cref="SecretFolder"/>.
    /// </summary>
    public string Folder { get; init; } = SecretFolder;

    /// <summary>Whether clients may choose HTTP/2. Default false, as the original.</summary>
    public bool Http2 { get; init; }

    /// <summary>How long a handshake may take. Default 10 s, as the original.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the files are looked at although no change was reported: watches can be lost without notice. Default 10 s.</summary>
    public TimeSpan RereadInterval { get; init; } = TimeSpan.FromSeconds(10);
}
