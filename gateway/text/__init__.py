"""What a text becomes on the air: the GSM alphabet, UCS-2, the parts and their headers.

Pure, and free of the gateway's domain. Everywhere here a septet of the GSM 7 bit default alphabet
is one octet, as SMPP carries it: packing eight septets in seven octets, with the fill bits and the
trailing CR that packing asks for (3GPP TS 23.038 §6.1.2.3), is the message centre's business.
National language shift tables (§6.2.1.2) are not used to send.
"""
